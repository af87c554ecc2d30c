-- Packetpig in a Pig of your own (0.18, Hadoop 3); under bin/pig nothing of this is needed.
--
--     pig -Dudf.import.list=packetpig.:packetpig.udfs. -x local
--     grunt> RUN -param packetpig=/opt/packetpig /opt/packetpig/pig/packetpig.pig
--     grunt> packets = LOAD 'captures/' USING PacketLoader();
--
-- RUN takes the path without quotes. The parameter is the project's folder (without it: the current one), where
-- `make setup` has been run. Without -Dudf.import.list loaders and functions have longer names:
-- packetpig.PacketLoader(), packetpig.udfs.geo.country(ip); no statement could set this from here.
-- Captures that lie in one folder on many machines: Python and .venv must be on each, at the same place.

%default packetpig '.'

-- the bridge, and one small class for each loader and function
REGISTER '$packetpig/build/jars/packetpig.jar';
REGISTER '$packetpig/build/jars/packetpig-names.jar';

-- the interpreter that has the project's packages
SET packetpig.python '$packetpig/.venv/bin/python';

-- small captures are combined by the loader, which knows what belongs together
SET pig.noSplitCombination 'true';
