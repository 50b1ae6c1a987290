export const header =
  'VendorID,tpep_pickup_datetime,tpep_dropoff_datetime,passenger_count,trip_distance,RatecodeID,store_and_fwd_flag,PULocationID,DOLocationID,payment_type,fare_amount,extra,mta_tax,tip_amount,tolls_amount,improvement_surcharge,total_amount';

/** A line as the city publishes it, with some of its columns changed: `ride({ 4: 'far' })`. */
export function ride(changed: Readonly<Record<number, string>> = {}): string {
  const fields =
    '2,2026-01-02 03:04:05,2026-01-02 03:24:05,1.0,3.5,1,N,142,236,1,14.2,0.5,0.5,2.86,0.0,1.0,21.16'.split(',');
  return fields.map((field, place) => changed[place] ?? field).join(',');
}
