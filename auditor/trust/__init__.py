"""What the checks of maps share: maps that know nothing, how a check decides, what stands for removed pixels."""
