-- INTEL(rows, field, list): the rows whose field is on a list of indicators, each with what it matched as last column:
--   intel:(indicator, kind, note)
-- The list is a file or folder: plain lines, CSV or STIX 2.1 (docs/functions.md).
DEFINE INTEL(rows, field, list) RETURNS hits {
    asked = FOREACH $rows GENERATE *, intel.lookup($field, '$list') AS intel;
    $hits = FILTER asked BY intel IS NOT NULL;
};
