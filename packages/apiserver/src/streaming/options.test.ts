import { isRefusal } from '@skiff/machinery'
import { expect, test } from 'vitest'
import { checkStreams, parseExecRequest, parsePorts } from './options.ts'

test('the query of exec', () => {
  expect(parseExecRequest({ container: 'app', command: ['sh', '-c', 'a b'], stdin: 'true', stdout: '1', stderr: '' })).toEqual({
    container: 'app',
    command: ['sh', '-c', 'a b'],
    streams: { stdin: true, stdout: true, stderr: true, tty: false },
  })
  expect(parseExecRequest({ command: 'ls', stdin: 'false', stdout: 'true', stderr: '0' })).toEqual({
    container: '',
    command: ['ls'],
    streams: { stdin: false, stdout: true, stderr: false, tty: false },
  })
})

test('a terminal has one output', () => {
  expect(parseExecRequest({ stdout: 'true', stderr: 'true', tty: 'true' }).streams).toMatchObject({
    stdout: true,
    stderr: false,
    tty: true,
  })
})

test.each<Record<string, string>>([{}, { tty: 'true' }, { stdin: 'FALSE', stdout: '0' }, { stderr: 'true', tty: 'true' }])(
  '%j attaches nothing',
  (query) => {
    expect(() => checkStreams(parseExecRequest(query).streams)).toThrow('you must specify at least 1 of stdin, stdout, stderr')
  },
)

test('the ports of port-forward', () => {
  expect(parsePorts({})).toEqual([])
  expect(parsePorts({ ports: ['80,443', '8080'] })).toEqual([80, 443, 8080])
})

test.each([
  ['http', 'unable to parse "http" as a port'],
  ['0', 'port "0" must be > 0'],
  ['70000', 'unable to parse "70000" as a port'],
  ['', 'unable to parse "" as a port'],
])('port %j is refused', (ports, message) => {
  try {
    parsePorts({ ports })
    expect.unreachable()
  } catch (error) {
    expect(isRefusal(error, 400) && error.message).toBe(message)
  }
})
