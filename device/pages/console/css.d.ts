/** Stylesheets go into the bundle. */
declare module '*.css';
