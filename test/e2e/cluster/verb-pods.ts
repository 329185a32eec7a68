const pod = (name: string, spec: object, labels: object = { stays: 'yes' }): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels },
  spec: { terminationGracePeriodSeconds: 1, ...spec },
})
const container = (name: string, script: string, more: object = {}): object => ({
  ...{ name, image: 'e2e/web:1', command: ['sh', '-c', script], ...more },
})
const lines = (word: string): string => `for i in $(seq 1 20); do echo ${word} $i; done; sleep 100000`
const shell = (more: object) => ({ containers: [{ name: 'main', image: 'e2e/web:1', command: ['sh'], stdin: true, ...more }] })
/** Port 8080 answers pages, port 8081 what it was sent. */
const serves = `echo page >/www/index.html; seq 1 1000000 | head -c 3000000 >/www/big
httpd -p 8080 -h /www
while true; do nc -l -p 8081 -e cat; done &
${lines('one')}`

/** Pods for the verbs that talk to containers: some stay, one ends well, one fails again and again. */
export const verbPods = JSON.stringify({
  apiVersion: 'v1',
  kind: 'List',
  items: [
    pod('one', { containers: [container('main', serves)] }, { app: 'x', stays: 'yes' }),
    pod(
      'two',
      { containers: [container('main', 'echo begins; sleep 100000'), container('talks', lines('talks'))] },
      { app: 'x', stays: 'yes' },
    ),
    pod('ticks', { containers: [container('main', 'trap exit TERM; for i in $(seq 1 100000); do echo tick $i; sleep 0.2; done')] }),
    pod('again', { containers: [container('main', 'echo life; echo complaint >&2; exit 3')] }, {}),
    pod(
      'over',
      {
        restartPolicy: 'Never',
        initContainers: [container('first', 'echo first')],
        containers: [container('main', 'echo -n ends without a line')],
      },
      {},
    ),
    ...['skiff', 'kubectl'].flatMap((name) => [pod(`shell-${name}`, shell({ tty: true })), pod(`reads-${name}`, shell({}))]),
  ],
})
