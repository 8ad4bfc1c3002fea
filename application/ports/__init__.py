"""The driven ports: what the use cases need from the outside, one file a concept."""
