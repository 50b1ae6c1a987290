/** For clients of the SDK: with its three attempts it gives up before the shortest function ends, and that can say so. */
export const clientLimits = {
  requestHandler: { connectionTimeout: 2_000, requestTimeout: 5_000, throwOnRequestTimeout: true },
};
