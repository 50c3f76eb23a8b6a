# Hardly any logic: each target is a verb of `python -m course`, which runs without make too.

PYTHON ?= python3

course = @$(PYTHON) -m course
chapter = $(if $(CHAPTER),--chapter '$(CHAPTER)')
port = $(if $(PORT),--port '$(PORT)')
django = $(if $(DJANGO),--django '$(DJANGO)')
to = $(if $(TO),--to '$(TO)')
step = $(if $(STEP),--step '$(STEP)')
full = $(if $(filter-out 0,$(FULL)),--full)
write = $(if $(filter-out 0,$(WRITE)),--write)
soak = $(if $(filter-out 0,$(SOAK)),--soak)

.PHONY: help run test-all test replay start history draft bench docs docs-serve test-docs test-faults lint setup clean lock screenshots

help:
	$(course) help

run:
	$(course) run $(chapter) $(port) $(django)

test-all:
	$(course) test-all $(django)

test:
	$(course) test $(chapter) $(django)

replay:
	$(course) replay $(CHAPTER) $(to) $(step)

start:
	$(course) start '$(CHAPTER)' '$(TO)'

history:
	$(course) history '$(TO)'

draft:
	$(course) draft $(CHAPTER)

bench:
	$(course) bench $(full) $(write) $(soak)

docs:
	$(course) docs

docs-serve:
	$(course) docs-serve $(port)

test-docs:
	$(course) test-docs

test-faults:
	$(course) test-faults

lint:
	$(course) lint

setup:
	$(course) setup $(django)

clean:
	$(course) clean

lock:
	$(course) lock

screenshots:
	$(course) screenshots
