/** Methods of the standard (all editions) that this service does not have: they answer 501, as the standard asks. */
export const notBuilt: readonly string[] = [
  'auth/login',
  'auth/revoke',
  'oauth2/authorize',
  'oauth2/pushed_authorize',
  'oauth2/token',
  'oauth2/revoke',
  'signatures/signDoc',
]
