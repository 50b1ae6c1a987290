-- Rides of yellow taxis as the city publishes them (CSV with a header, 17 or more columns), typed; what does not fit is kept
-- as it came, with its line and the reason. The job sets the variables raw_file and latest, the instant after which no ride can
-- be (a day from now: the city's clock is not that of the job), and writes `accepted` and `rejected`.
-- Lines are split here and not by a CSV reader, which drops or stops at what it cannot read: no column of the source has a
-- comma in it. Lines of the file that are not blank = header + accepted + rejected.

-- A cast to INTEGER would round.
CREATE MACRO whole(field) AS
  CASE WHEN regexp_full_match(trim(field), '[+-]?\d+(\.0*)?') THEN TRY_CAST(TRY_CAST(field AS DOUBLE) AS INTEGER) END;
CREATE MACRO is_wrong(read, field) AS read IS NULL AND trim(field) <> '';

CREATE TABLE lines AS
SELECT line_number, line, string_split(rtrim(line, chr(13)), ',') AS fields
FROM (
  SELECT unnest(texts) AS line, generate_subscripts(texts, 1) AS line_number
  FROM (SELECT string_split(content, chr(10)) AS texts FROM read_text(getvariable('raw_file')))
)
WHERE trim(rtrim(line, chr(13))) <> '';

CREATE TABLE typed AS
SELECT
  line_number,
  line,
  fields,
  whole(fields[1]) AS vendor_id,
  TRY_CAST(fields[2] AS TIMESTAMP) AS picked_up_at,
  TRY_CAST(fields[3] AS TIMESTAMP) AS dropped_off_at,
  whole(fields[4]) AS passengers,
  TRY_CAST(fields[5] AS DOUBLE) AS distance_miles,
  whole(fields[8]) AS pickup_zone,
  whole(fields[9]) AS dropoff_zone,
  whole(fields[10]) AS payment_type,
  TRY_CAST(fields[11] AS DOUBLE) AS fare_usd,
  TRY_CAST(fields[14] AS DOUBLE) AS tip_usd,
  TRY_CAST(fields[17] AS DOUBLE) AS total_usd
FROM lines
-- The header. A file without one loses no row: its first line is typed like the others.
WHERE NOT (line_number = 1 AND lower(fields[1]) = 'vendorid');

CREATE TABLE judged AS
SELECT *, CASE
    WHEN len(fields) < 17 THEN 'too few columns'
    WHEN vendor_id IS NULL THEN 'VendorID is no whole number'
    WHEN picked_up_at IS NULL OR NOT isfinite(picked_up_at) THEN 'tpep_pickup_datetime is no timestamp'
    WHEN dropped_off_at IS NULL OR NOT isfinite(dropped_off_at) THEN 'tpep_dropoff_datetime is no timestamp'
    WHEN picked_up_at < TIMESTAMP '2009-01-01' THEN 'tpep_pickup_datetime is before the first record'
    WHEN picked_up_at > getvariable('latest') THEN 'tpep_pickup_datetime is in the future'
    WHEN dropped_off_at > getvariable('latest') THEN 'tpep_dropoff_datetime is in the future'
    WHEN dropped_off_at < picked_up_at THEN 'the ride ends before it begins'
    WHEN is_wrong(passengers, fields[4]) THEN 'passenger_count is no whole number'
    WHEN is_wrong(pickup_zone, fields[8]) THEN 'PULocationID is no whole number'
    WHEN is_wrong(dropoff_zone, fields[9]) THEN 'DOLocationID is no whole number'
    WHEN is_wrong(payment_type, fields[10]) THEN 'payment_type is no whole number'
    WHEN distance_miles IS NULL OR NOT isfinite(distance_miles) OR distance_miles < 0 THEN 'trip_distance is no distance'
    WHEN fare_usd IS NULL OR NOT isfinite(fare_usd) THEN 'fare_amount is no amount'
    WHEN tip_usd IS NULL OR NOT isfinite(tip_usd) THEN 'tip_amount is no amount'
    WHEN total_usd IS NULL OR NOT isfinite(total_usd) THEN 'total_amount is no amount'
  END AS reason
FROM typed;

CREATE TABLE rejected AS
SELECT line_number, reason, line FROM judged WHERE reason IS NOT NULL ORDER BY line_number;

CREATE TABLE accepted AS
SELECT
  vendor_id, picked_up_at, dropped_off_at, passengers, distance_miles, pickup_zone, dropoff_zone, payment_type, fare_usd,
  tip_usd, total_usd, strftime(picked_up_at, '%Y-%m-%d') AS day
FROM judged
WHERE reason IS NULL
ORDER BY line_number;
