"""What a report costs to render and how large it is, beside matplotlib and Chromium."""
