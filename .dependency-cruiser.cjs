// The rooms and their arrows (docs/ARCHITECTURE.md). Type-only imports count: a type is a dependency.
const ARROWS = {
  geo: [],
  catalog: ['geo'],
  health: ['catalog'],
  intake: ['catalog', 'geo'],
  probe: ['catalog'],
  frames: ['catalog'],
  access: ['catalog'],
  // Of health: its record types alone.
  storage: ['catalog', 'geo', 'health'],
  embedded: [],
  settings: [],
};
const SPEC = '(\\.spec\\.ts$|/test/)';

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'What depends on each other is one thing.',
      from: {},
      to: { circular: true },
    },
    ...Object.entries(ARROWS).map(([room, mayImport]) => ({
      name: `arrows-of-${room}`,
      severity: 'error',
      comment: `libs/${room} may import ${mayImport.join(', ') || 'no other room'}.`,
      from: { path: `^libs/${room}/`, pathNot: SPEC },
      to: {
        path: '^(libs|apps|migrations)/',
        pathNot: [
          `^libs/${room}/`,
          ...mayImport.map((other) => `^libs/${other}/src/index\\.ts$`),
          ...(room === 'storage' ? ['^migrations/'] : []),
        ],
      },
    })),
    {
      name: 'front-doors',
      severity: 'error',
      comment: 'A room is entered by its index.ts.',
      from: { path: '^(libs|apps|bench)/([^/]+)/' },
      to: { path: '^libs/([^/]+)/src/', pathNot: ['^libs/[^/]+/src/index\\.ts$', '^libs/$2/'] },
    },
    {
      name: 'apps-never-import-apps',
      severity: 'error',
      comment: 'Only apps/cli starts the others, by dynamic import of start.ts.',
      from: { path: '^apps/([^/]+)/', pathNot: [SPEC, '^apps/cli/'] },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'cli-starts-apps',
      severity: 'error',
      comment: 'apps/cli imports nothing of another app but its start.ts, and that dynamically.',
      from: { path: '^apps/cli/', pathNot: SPEC },
      to: { path: '^apps/(?!cli/)', pathNot: '^apps/[^/]+/src/start\\.ts$' },
    },
    {
      name: 'cli-starts-apps-late',
      severity: 'error',
      from: { path: '^apps/cli/', pathNot: SPEC },
      to: {
        path: '^apps/(?!cli/)',
        dependencyTypesNot: ['dynamic-import', 'type-import', 'type-only', 'pre-compilation-only'],
        dynamic: false,
      },
    },
    {
      name: 'testing-is-for-specs',
      severity: 'error',
      from: { path: '^(libs|apps)/', pathNot: [SPEC, '^libs/testing/'] },
      to: { path: '^libs/testing/' },
    },
    {
      name: 'migrations-know-only-typeorm',
      severity: 'error',
      from: { path: '^migrations/', pathNot: SPEC },
      to: { path: '^(libs|apps)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^dist/|node_modules|\\.mjs$)' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['types', 'import', 'default'],
      extensions: ['.ts', '.js', '.mjs', '.json'],
    },
  },
};
