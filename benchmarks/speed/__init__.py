"""How fast the auditor is, in plain forwards of the same pictures, beside other libraries."""
