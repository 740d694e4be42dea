"""Models: trained with purged walk-forward, calibrated, stored as plain text under their hash, served without the trainer."""
