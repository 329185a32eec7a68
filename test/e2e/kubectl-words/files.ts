/** Manifests that the steps name as FILES/name. */
export const files: Readonly<Record<string, string>> = {
  'web.yaml': `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: nginx:1.25
        ports: [{containerPort: 80}]
---
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  clusterIP: 10.96.7.7
  selector: {app: web}
  ports: [{port: 80, targetPort: 80}]
`,
  'web2.yaml': `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web, tier: front}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: nginx:1.26
---
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  clusterIP: 10.96.7.7
  selector: {app: web}
  ports: [{port: 80, targetPort: 80}]
`,
  'pods.yaml': `apiVersion: v1
kind: Pod
metadata: {name: p1, labels: {app: a, tier: x}}
spec: {nodeName: n1, terminationGracePeriodSeconds: 0, containers: [{name: c, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: p2, labels: {app: b}}
spec: {nodeName: n1, terminationGracePeriodSeconds: 0, containers: [{name: c, image: i}, {name: d, image: j, ports: [{containerPort: 99, name: web}]}]}
`,
  'nodes.yaml': `apiVersion: v1
kind: Node
metadata: {name: n1, labels: {kubernetes.io/hostname: n1}}
---
apiVersion: v1
kind: Node
metadata: {name: n2, labels: {kubernetes.io/hostname: n2}}
`,
  'local.yaml': `apiVersion: v1
kind: Pod
metadata: {name: local}
spec: {nodeName: n1, terminationGracePeriodSeconds: 0, containers: [{name: c, image: i}], volumes: [{name: v, emptyDir: {}}]}
`,
  'cm.yaml': `apiVersion: v1
kind: ConfigMap
metadata: {name: cm}
data: {a: b, number: "1"}
`,
  'cm2.yaml': `apiVersion: v1
kind: ConfigMap
metadata: {name: cm}
data: {a: c}
`,
  'secret.yaml': `apiVersion: v1
kind: Secret
metadata: {name: sec}
data: {a: YWJj, c: YWJj}
`,
  'secret2.yaml': `apiVersion: v1
kind: Secret
metadata: {name: sec}
data: {a: YWJk, d: YWJj}
`,
  'bad.yaml': `apiVersion: v1
kind: ConfigMap
metadata: {name: bad}
data: {a: [1]}
`,
  'unknown.yaml': `apiVersion: example.com/v1
kind: Thing
metadata: {name: x}
`,
  'field.yaml': `apiVersion: v1
kind: ConfigMap
metadata: {name: field}
datum: {a: b}
`,
  'broken.yaml': `a: b: c
`,
}
