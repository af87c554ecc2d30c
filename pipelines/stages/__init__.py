"""Stages: each module has one or more classes of a few lines; their Pig scripts are in pig/pipeline/.

They are found by being here; docs/pipeline.md says what a stage can declare.
"""
