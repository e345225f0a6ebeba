'use strict'

const PRODUCT = '^(config|hsm|src|scripts)/'
const TOP = '^src/(app|service|server)\\.ts$'
const DOMAIN = '^src/(pki|credentials|transparency|deliveries)/'

/**
 * Importing goes one way: hsm <- src/signing <- src/{pki,credentials,transparency} <- src/api/<face> <- src/app.ts <-
 * src/server.ts. What is outside has one place each where it comes in.
 * @type {import('dependency-cruiser').IConfiguration}
 */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'Two files that need each other are one, or need a third. Types alone may point back.',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'resolves',
      severity: 'error',
      comment: 'Every import leads to a file or to a dependency in package.json.',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'hsm-alone',
      severity: 'error',
      comment: 'hsm/ is the certification boundary: it imports nothing of ours.',
      from: { path: '^hsm/' },
      to: { path: '^(config|src|scripts|test)/' },
    },
    {
      name: 'signing-below-domain',
      severity: 'error',
      comment: 'Signing knows neither certificates nor faces.',
      from: { path: '^src/(signing|db)/|^src/(context|refusal|audit)\\.ts$' },
      to: { path: [DOMAIN, '^src/api/', TOP] },
    },
    {
      name: 'domain-below-faces',
      severity: 'error',
      comment: 'The domain knows no protocol face.',
      from: { path: DOMAIN },
      to: { path: ['^src/api/', TOP] },
    },
    {
      name: 'faces-apart',
      severity: 'error',
      comment: 'No face imports another face; what they share is src/api/http.',
      from: { path: '^src/api/([^/]+)/' },
      to: { path: '^src/api/[^/]+/', pathNot: '^src/api/($1|http)/' },
    },
    {
      name: 'faces-below-app',
      severity: 'error',
      comment:
        'app.ts mounts the faces, service.ts starts the app, server.ts the service; nothing calls back up.',
      from: { path: PRODUCT, pathNot: TOP },
      to: { path: TOP },
    },
    {
      name: 'config-alone',
      severity: 'error',
      comment: 'The configuration is read before there is anything else.',
      from: { path: '^config/' },
      to: { path: '^(hsm|src|scripts|test)/' },
    },
    {
      name: 'express-in-faces',
      severity: 'error',
      comment: 'HTTP is the business of faces and of app.ts.',
      from: { path: PRODUCT, pathNot: '^src/(api/|app\\.ts$)' },
      to: { path: '(^|/)node_modules/(@types/)?express/' },
    },
    {
      name: 'pg-in-db',
      severity: 'error',
      comment: 'All SQL is in src/db.',
      from: { path: PRODUCT, pathNot: '^src/db/' },
      to: { path: '(^|/)node_modules/(@types/)?pg/' },
    },
    {
      name: 'pkcs11-in-signer',
      severity: 'error',
      comment:
        'Only the signer process loads a PKCS#11 module; so does the script that initialises a development token.',
      from: { path: PRODUCT, pathNot: '^hsm/signer/|^scripts/up/makeToken\\.mjs$' },
      to: { path: '(^|/)node_modules/(pkcs11js|graphene-pk11)/' },
    },
    {
      name: 'product-without-tests',
      severity: 'error',
      comment: 'What is shipped imports no test.',
      from: { path: '^(config|hsm|src)/|^scripts/.*\\.ts$' },
      to: { path: '^test/' },
    },
    {
      name: 'product-without-dev-dependencies',
      severity: 'error',
      comment: 'A production install leaves them out. Types are gone by then.',
      from: { path: '^(config|hsm|src)/|^scripts/.*\\.ts$' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: '(^|/)node_modules/' },
    exclude: { path: '^dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    combinedDependencies: false,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'types'],
    },
  },
}
