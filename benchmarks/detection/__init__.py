"""The detection benchmark: small networks whose reliance on a shortcut is measured, then audited unknown."""
