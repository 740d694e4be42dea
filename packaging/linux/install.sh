#!/bin/sh
# NiceGold Terminal @VERSION@ for one user: this script, then a compressed archive after its last line. No root is needed.
set -eu

VERSION="@VERSION@"
SUM="@SHA256@"
SIZE="@HEADER_BYTES@"

usage() {
    cat <<USAGE
NiceGold Terminal $VERSION, installed for this user only.

    sh $(basename "$0")                install into ~/.local (or what XDG names)
    sh $(basename "$0") --prefix DIR   install into DIR/nicegold instead of ~/.local/opt/nicegold
    sh $(basename "$0") --check        look whether this file is whole
    sh $(basename "$0") --help

To remove it: ~/.local/opt/nicegold/uninstall. Books, models and settings stay where they are.
USAGE
}

payload() { tail -c "+$((SIZE + 1))" "$0"; }

check() {
    found=$(payload | sha256sum | cut -d' ' -f1)
    [ "$found" = "$SUM" ] || { echo "this file is damaged: download it again" >&2; exit 1; }
}

prefix="$HOME/.local/opt"
while [ $# -gt 0 ]; do
    case "$1" in
        --prefix) [ $# -ge 2 ] || { usage >&2; exit 2; }; prefix="$2"; shift 2 ;;
        --check) check; echo "whole"; exit 0 ;;
        --help|-h) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
    esac
done

[ "$(uname -m)" = "@MACHINE@" ] || { echo "this program is for @MACHINE@, and this machine is $(uname -m)" >&2; exit 2; }
check
mkdir -p "$prefix"
prefix=$(cd "$prefix" && pwd)
target="$prefix/nicegold"
data="${XDG_DATA_HOME:-$HOME/.local/share}"
bin="$HOME/.local/bin"

if [ -e "$target" ] && [ ! -x "$target/uninstall" ]; then
    echo "$target is there and is not this program; name another folder with --prefix" >&2
    exit 2
fi

new=$(mktemp -d "$prefix/.nicegold-XXXXXX")
trap 'rm -rf "$new"' EXIT
payload | tar -xz -C "$new" --no-same-owner
chmod 755 "$new"

cat >"$new/uninstall" <<UNINSTALL
#!/bin/sh
# Removes NiceGold Terminal of this user; books, models and settings stay where they are.
set -eu
rm -f "$bin/nicegold" "$data/applications/nicegold.desktop"
for size in @SIZES@; do rm -f "$data/icons/hicolor/\${size}x\${size}/apps/nicegold.png"; done
rm -f "$data/icons/hicolor/scalable/apps/nicegold.svg"
rm -rf "$target"
rmdir "$prefix" 2>/dev/null || :
echo "NiceGold Terminal is removed"
UNINSTALL
chmod 755 "$new/uninstall"

rm -rf "$target"
mv "$new" "$target"
trap - EXIT
mkdir -p "$bin" "$data/applications" "$data/icons"
ln -sf "$target/nicegold" "$bin/nicegold"
cp -R "$target/share/icons/." "$data/icons/"
sed "s|^Exec=.*|Exec=\"$target/nicegold\"|" "$target/share/applications/nicegold.desktop" >"$data/applications/nicegold.desktop"

echo "NiceGold Terminal $VERSION is installed in $target"
case ":$PATH:" in
    *":$bin:"*) echo "start it with: nicegold" ;;
    *) echo "start it from the desktop's menu, or with: $bin/nicegold" ;;
esac
exit 0
