// Runs in the process of the function, before its code: says that the wrapper ran, and how old the process was then.
console.log(
  JSON.stringify({
    level: 'INFO',
    message: 'internal extension: the wrapper ran',
    pid: process.pid,
    sinceProcessMs: Math.round(performance.now()),
  }),
);
