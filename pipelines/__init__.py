"""The pipeline: Luigi stages from captures to tables of each window of time, and to incidents (docs/pipeline.md)."""
