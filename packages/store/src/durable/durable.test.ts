import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemEnv } from '@skiff/machinery'
import { afterAll } from 'vitest'
import { storeContract } from '../contract.ts'
import { openDurableStore } from './durable.ts'

const root = await mkdtemp(join(tmpdir(), 'skiff-store-'))
let count = 0
afterAll(() => rm(root, { recursive: true }))

storeContract('the durable store', async () => {
  count += 1
  const dir = join(root, `${count}`)
  const open = () => openDurableStore({ dir, env: systemEnv() })
  const store = await open()
  const reopen = async () => {
    await store.close()
    return open()
  }
  return { store, reopen }
})
