"""The languages of reports: what the templates say, and what an audit holds."""
