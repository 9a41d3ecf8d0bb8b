"""The YAML spec: its fields, line-aware reading, and its JSON schema."""
