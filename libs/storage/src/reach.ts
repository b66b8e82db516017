/** Authorities as slugs; `all` = every one. */
export type Reach = 'all' | readonly string[];
