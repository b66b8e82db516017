// Compiles everything below apps/, libs/ and migrations/ to dist/ with the TypeScript API, because the @nestjs/swagger
// plugin, which makes doc comments and validators into OpenAPI, is a compiler transformer.
import { copyFileSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildEmbeddedAssets } from './embedded-assets.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Compiles the project. @returns {boolean} false when there were errors, which are printed. */
export async function build() {
  const require = createRequire(import.meta.url);
  const ts = require('typescript');
  const { before: openapi } = require('@nestjs/swagger/plugin');
  const nest = JSON.parse(readFileSync(path.join(root, 'nest-cli.json'), 'utf8'));
  const plugin = nest.compilerOptions.plugins.find(({ name }) => name === '@nestjs/swagger');

  const { config } = ts.readConfigFile(path.join(root, 'tsconfig.json'), ts.sys.readFile);
  const parsed = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const rootNames = parsed.fileNames.filter((file) => !/\.spec\.ts$|[\\/]test[\\/]|[\\/]bench[\\/]/.test(file));
  const host = ts.createCompilerHost(parsed.options);
  const { writeFile } = host;
  host.writeFile = (file, text, ...more) => writeFile(file, withoutIdleImport(text), ...more);
  const program = ts.createProgram({ rootNames, options: parsed.options, host });
  rmSync(path.join(root, 'dist'), { recursive: true, force: true });
  const emitted = program.emit(undefined, undefined, undefined, false, { before: [openapi(plugin.options, program)] });
  copyWorkers();
  const problems = [...ts.getPreEmitDiagnostics(program), ...emitted.diagnostics];
  if (problems.length === 0) {
    await buildEmbeddedAssets({ root, log: (message) => console.error(message) });
    return true;
  }
  const format = { getCurrentDirectory: () => root, getCanonicalFileName: (file) => file, getNewLine: () => '\n' };
  console.error(ts.formatDiagnosticsWithColorAndContext(ts.sortAndDeduplicateDiagnostics(problems), format));
  return false;
}

const PLUGIN_IMPORT = /^import \* as openapi from "@nestjs\/swagger";$/m;

/**
 * The plugin imports its library into every file that it looks at and uses it in controllers alone; every other program, such as `sightline
 * probe`, would load it and Nest for nothing, which takes longer than all the rest. The line stays, for the source map.
 */
function withoutIdleImport(text) {
  return /\bopenapi\./.test(text) ? text : text.replace(PLUGIN_IMPORT, '');
}

/** Workers are plain modules, which a process or thread loads by itself: they go along as they are. */
function copyWorkers() {
  for (const room of readdirSync(path.join(root, 'libs'))) {
    const source = path.join(root, 'libs', room, 'src');
    const workers = readdirSync(source).filter((name) => name.endsWith('.mjs'));
    for (const name of workers)
      copyFileSync(path.join(source, name), path.join(root, 'dist', 'libs', room, 'src', name));
  }
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.exitCode = (await build()) ? 0 : 1;
}
