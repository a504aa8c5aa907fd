"""The v1 admin API as data: its operations, fields, messages and OpenAPI document."""
