-- What kinds of files were carried, how many, and how large?
-- Parameters: files (table), output.
files      = LOAD '$files' USING ParquetLoader();
kinds      = GROUP files BY mime;
file_types = FOREACH kinds GENERATE group AS mime, COUNT_STAR(files) AS files, SUM(files.size) AS bytes;
known      = FILTER files BY size IS NOT NULL;
powers     = FOREACH known GENERATE (int) FLOOR(2.0 * LOG10((double) (size < 1L ? 1L : size))) AS power;
spans      = GROUP powers BY power;
file_sizes = FOREACH spans GENERATE group AS power, COUNT_STAR(powers) AS files;
STORE file_types INTO '$output/file_types' USING ParquetStorer();
STORE file_sizes INTO '$output/file_sizes' USING ParquetStorer();
