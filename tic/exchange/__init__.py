"""Audits that are passed on: verified, merged, compared, exported and quoted."""
