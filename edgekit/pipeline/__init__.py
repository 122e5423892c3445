"""From a model file to a verified artefact: the stages in the order in which they run."""
