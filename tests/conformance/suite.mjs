// One run of http-cache-tests: its origin on loopback, then all tests against BASE. Two commands:
//   node suite.mjs origin          prints the port, serves until it is ended
//   node suite.mjs run BASE [ID]   prints every test with its kind and result as JSON; with an ID only that one, and talks
// The suite's own server listens on every interface; this one does not.
import http from 'node:http'
import fetch from 'node-fetch'

const at = (path) => import(`./node_modules/http-cache-tests/${path}`)
const [command, base, only] = process.argv.slice(2)

async function origin () {
  const handlers = {
    config: (await at('server/handle-config.mjs')).default,
    state: (await at('server/handle-state.mjs')).default,
    test: (await at('server/handle-test.mjs')).default
  }
  const server = http.createServer((request, response) => {
    const [name, ...rest] = new URL(request.url, 'http://origin/').pathname.slice(1).split('/')
    const handler = handlers[name]
    if (handler) return handler(rest, request, response)
    response.writeHead(404).end()
  })
  const say = console.log
  console.log = () => {}  // the handlers talk; nobody reads on after the port
  server.listen(0, '127.0.0.1', () => say(server.address().port))
}

async function run () {
  const suites = (await at('tests/index.mjs')).default
  const { runTests, getResults } = await at('client/runner.mjs')
  const wanted = suites.map(suite => ({ ...suite, tests: suite.tests.filter(test => !only || test.id === only) }))
  if (only) wanted.forEach(suite => suite.tests.forEach(test => { test.dump = true }))
  await runTests(wanted, fetch, false, base)
  const results = getResults()
  const rows = wanted.flatMap(suite => suite.tests.filter(test => test.id in results).map(test => ({
    id: test.id,
    suite: suite.name,
    name: test.name,
    kind: test.kind ?? 'required',
    depends_on: test.depends_on ?? [],
    failure: results[test.id] === true ? null : results[test.id].join(': ')
  })))
  process.stdout.write(`\n${JSON.stringify(rows)}\n`)
}

await (command === 'origin' ? origin() : run())
