"""Taking steps: what a step is, the journal, the runner, the proof by mail, handing on queues."""
