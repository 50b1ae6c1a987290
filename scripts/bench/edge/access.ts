/** How all clients log in, at the broker and at the receiver, which live for one measurement on loopback. */
export const access = { username: 'bench', password: 'bench' };
