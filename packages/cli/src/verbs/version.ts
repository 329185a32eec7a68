import { dumpYaml, type JsonObject } from '@skiff/machinery'
import { UsageError } from '../usage-error.ts'
import type { Verb } from '../verb.ts'

/** The release of kubectl whose words these verbs speak. */
const client: JsonObject = {
  major: '1',
  minor: '33',
  gitVersion: 'v1.33.4+skiff',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: 'node',
  compiler: 'v8',
  platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
}
const kustomizeVersion = 'v5.6.0'

export const version: Verb = {
  usage: '[--client] [--output=json|yaml]',
  flags: ['client:bool', 'output|o:string'],
  run: async ({ session, flags, args }) => {
    if (args.length > 0) throw new UsageError(`extra arguments: [${args.join(' ')}]`)
    const output = flags.text('output') ?? ''
    if (!['', 'yaml', 'json'].includes(output)) throw new UsageError("--output must be 'yaml' or 'json'")
    let server: JsonObject | undefined
    let failure: unknown
    if (!flags.bool('client'))
      try {
        const { http } = await session.connect()
        server = ((await http.raw('GET', '/version')).object ?? {}) as JsonObject
      } catch (error) {
        failure = error
      }
    const whole = { clientVersion: client, kustomizeVersion, ...(server ? { serverVersion: server } : {}) }
    if (output === 'json') session.write(`${JSON.stringify(whole, null, '  ')}\n`)
    else if (output === 'yaml') session.say(dumpYaml(whole))
    else {
      session.say(`Client Version: ${client.gitVersion}\nKustomize Version: ${kustomizeVersion}`)
      if (server) session.say(`Server Version: ${server.gitVersion}`)
    }
    if (failure) throw failure
    return 0
  },
}
