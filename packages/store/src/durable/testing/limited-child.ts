/** Writes until the disk fails, here by a limit on the size of files, and prints what it saw as one line of JSON. */
import { systemEnv } from '@skiff/machinery'
import { openDurableStore } from '../durable.ts'

const store = await openDurableStore({ dir: process.argv[2] ?? '', env: systemEnv() })
const ended: string[] = []
await store.watch({ prefix: '', after: 0, deliver: () => undefined, ended: (why) => ended.push(why.name) })

const put = async (key: string): Promise<string | undefined> => {
  try {
    await store.commit({ key, expect: 'absent', value: new Uint8Array(20_000) })
    return undefined
  } catch (error) {
    return String(error)
  }
}

let acknowledged = 0
let refusal: string | undefined
while (acknowledged < 5_000 && refusal === undefined) {
  refusal = await put(`k${acknowledged}`)
  if (refusal === undefined) acknowledged += 1
}
const later = await put('later')
await store.close()
console.log(JSON.stringify({ acknowledged, refusal, later, ended }))
