#!/usr/bin/env node
// The command line, from the build: `npx intaglio --help`.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const main = new URL('../dist/scripts/cli/main.js', import.meta.url)

// A reader that has seen enough, such as head, closes the pipe.
process.stdout.on('error', (error) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

if (existsSync(fileURLToPath(main))) {
  await import(main)
} else {
  console.error('The command line is not built yet. Run npm start once, or npm run build.')
  process.exitCode = 1
}
