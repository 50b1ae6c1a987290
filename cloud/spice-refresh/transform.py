"""Runs transform.sql over one raw object: a Parquet file a day, what does not fit in rejects/, and a manifest with the counts."""

import argparse, datetime, hashlib, json, os, tempfile
import boto3, duckdb

parser = argparse.ArgumentParser()
for name in ("raw_bucket", "raw_key", "processed_bucket", "prefix", "transform_bucket", "transform_key"):
    # The local account has arguments in the environment.
    parser.add_argument(f"--{name}", default=os.environ.get(name))
job, _ = parser.parse_known_args()
s3, db, folder = boto3.client("s3"), duckdb.connect(), tempfile.mkdtemp()
# The same object is the same files, however often it comes.
source = hashlib.sha256(job.raw_key.encode()).hexdigest()[:16]
manifest = f"manifests/{source}.json"

s3.download_file(job.raw_bucket, job.raw_key, f"{folder}/raw")
s3.download_file(job.transform_bucket, job.transform_key, f"{folder}/transform.sql")
db.execute("SET VARIABLE raw_file = ?", [f"{folder}/raw"])
tomorrow = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None) + datetime.timedelta(days=1)
db.execute("SET VARIABLE latest = ?::TIMESTAMP", [tomorrow])
db.execute(open(f"{folder}/transform.sql", encoding="utf-8").read())
files = {}
for (day,) in db.execute("SELECT DISTINCT day FROM accepted ORDER BY day").fetchall():
    local = f"{folder}/{day}"
    db.execute(f"COPY (SELECT * EXCLUDE day FROM accepted WHERE day = '{day}') TO '{local}' (FORMAT parquet, COMPRESSION snappy)")
    files[f"{job.prefix}day={day}/{source}.parquet"] = local
accepted, rejected = (db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("accepted", "rejected"))
if rejected > 0:
    db.execute(f"COPY rejected TO '{folder}/rejects' (FORMAT csv, HEADER)")
    files[f"rejects/{source}.csv"] = f"{folder}/rejects"
for key, local in files.items():
    s3.upload_file(local, job.processed_bucket, key)
before = s3.list_objects_v2(Bucket=job.processed_bucket, Prefix=manifest).get("KeyCount", 0)
old = json.load(s3.get_object(Bucket=job.processed_bucket, Key=manifest)["Body"])["files"] if before else []
for key in set(old) - set(files):
    s3.delete_object(Bucket=job.processed_bucket, Key=key)
counts = {"rowsIn": accepted + rejected, "rowsOut": accepted, "rowsRejected": rejected}
s3.put_object(Bucket=job.processed_bucket, Key=manifest, Body=json.dumps({"rawKey": job.raw_key, **counts, "files": sorted(files)}))
