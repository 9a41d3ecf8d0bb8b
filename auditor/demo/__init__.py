"""The demonstration: drawn chest radiographs, and networks with a known shortcut that read them."""
