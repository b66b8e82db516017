// What a machine can refuse (docs/ARCHITECTURE.md, "Refused by npm run check"). Style is prettier's; arrows are dependency-cruiser's.
import tseslint from 'typescript-eslint';

const DIALLED = 'Cameras are dialled through libs/probe/src/safe-dial.ts alone (security.md SSRF-1).';
const SOCKET_MODULES = ['net', 'tls', 'dgram', 'http', 'https', 'http2'].flatMap((name) => [`node:${name}`, name]);
const SOCKETS = [
  ...[...SOCKET_MODULES, 'undici', 'openid-client'].map((name) => ({
    name,
    // Types dial nobody.
    allowTypeImports: true,
    message: DIALLED,
  })),
  ...['node:module', 'module'].map((name) => ({ name, importNames: ['createRequire'], message: DIALLED })),
];
const DIALLING_GLOBALS = ['fetch', 'WebSocket', 'EventSource', 'XMLHttpRequest'];
const ORM = [
  { name: 'typeorm', message: 'SQL and TypeORM live in libs/storage and migrations.', allowTypeImports: true },
];
const NEST = { group: ['@nestjs/*'], message: 'Nest exists in apps/ only.' };
const DEEP = { group: ['#*/*', '**/libs/*/src/*'], message: 'A room is entered by its front door: #name.' };

/** Files that open listeners or connections of our own: never to a camera but for safe-dial. */
const OWN_SOCKETS = [
  'libs/probe/src/safe-dial.ts',
  // Speaks HTTP over a connection of safe-dial's; dials nobody.
  'libs/probe/src/post.ts',
  // Only isIP, which opens nothing.
  'libs/catalog/src/network.ts',
  'libs/probe/src/address-policy.ts',
  'libs/intake/src/target.ts',
  'libs/settings/src/values.ts',
  // Issuers of SIGHTLINE_OIDC, addresses of our own settings.
  'apps/api/src/session/sign-in.ts',
  'libs/testing/src/**',
  'apps/simulator/src/**',
  'apps/prober/src/ops.ts',
  '**/*.spec.ts',
  '**/test/**',
  'bench/**',
];

export default tseslint.config(
  {
    ignores: [
      'dist/',
      'node_modules/',
      '.sightline*/',
      'coverage/',
      'apps/api/test/api-types.ts',
      '**/*.mjs',
      '**/*.cjs',
      '**/*.js',
    ],
  },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true, allowNever: true },
      ],
      // Interfaces of ours are asynchronous where another implementation will be.
      '@typescript-eslint/require-await': 'off',
      'no-control-regex': 'error',
      // Codes of errors are read from unknown values.
      '@typescript-eslint/no-base-to-string': 'off',
      'no-console': 'error',
      'no-empty': ['error', { allowEmptyCatch: false }],
      'max-lines': ['warn', { max: 400, skipBlankLines: true, skipComments: true }],
      'no-restricted-imports': 'off',
      '@typescript-eslint/no-restricted-imports': ['error', { paths: [...SOCKETS, ...ORM], patterns: [NEST, DEEP] }],
      'no-restricted-globals': ['error', ...DIALLING_GLOBALS.map((name) => ({ name, message: DIALLED }))],
      'no-restricted-syntax': [
        'error',
        {
          selector: `ImportExpression[source.value=/^(${[...SOCKET_MODULES, 'undici'].join('|')})$/]`,
          message: DIALLED,
        },
        { selector: 'ImportExpression[source.type!="Literal"]', message: 'What is imported is said in plain text.' },
      ],
      'no-restricted-properties': [
        'error',
        {
          object: 'process',
          property: 'env',
          message: 'The environment is read by libs/settings, once; main.ts hands it over.',
        },
        { object: 'process', property: 'getBuiltinModule', message: DIALLED },
        ...['globalThis', 'global'].flatMap((object) =>
          DIALLING_GLOBALS.map((property) => ({ object, property, message: DIALLED })),
        ),
      ],
    },
  },
  {
    files: ['apps/**/*.ts'],
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { paths: [...SOCKETS, ...ORM], patterns: [DEEP] }] },
  },
  {
    files: ['libs/storage/**/*.ts', 'migrations/**/*.ts', 'libs/testing/**/*.ts'],
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { paths: SOCKETS, patterns: [DEEP] }] },
  },
  {
    files: OWN_SOCKETS,
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns: [DEEP] }] },
  },
  // A client of our own API, at the address that its user names.
  { files: ['apps/cli/src/server.ts'], rules: { 'no-restricted-globals': 'off' } },
  // Signing keys, at the address that SIGHTLINE_OIDC names.
  { files: ['libs/access/src/issuer-keys.ts'], rules: { 'no-restricted-globals': 'off' } },
  { files: ['libs/settings/src/**', 'apps/cli/src/main.ts'], rules: { 'no-restricted-properties': 'off' } },
  {
    files: ['**/*.spec.ts', '**/test/**/*.ts', 'libs/testing/**/*.ts', 'bench/**/*.ts'],
    rules: {
      'no-restricted-globals': 'off',
      'no-restricted-syntax': 'off',
      'no-restricted-properties': 'off',
      'no-console': 'off',
      // A spec is a list of cases.
      'max-lines': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
);
