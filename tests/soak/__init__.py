"""The whole engine at misbehaving venues, for as long as one likes: what no case of the catalogue thought of."""
