-- Packetpig in a Pig of your own:
--
--     RUN '/path/to/packetpig/pig/packetpig.pig'
--
-- (under bin/pig nothing of this is needed). Paths are relative to the project's folder: start Pig there, or give
-- the folder as a parameter: pig -p packetpig=/opt/packetpig …
-- The loaders run Python: PACKETPIG_PYTHON in the environment, or SET packetpig.python, names an interpreter
-- that has the project's packages (make setup makes one in .venv).

%default packetpig '.'

REGISTER '$packetpig/build/jars/packetpig.jar';
REGISTER '$packetpig/build/jars/packetpig-names.jar';
SET packetpig.python '$packetpig/.venv/bin/python';
