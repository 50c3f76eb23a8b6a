# Hardly any logic: each target is a verb of `python -m course`, which runs without make too.

PYTHON ?= python3

course = @$(PYTHON) -m course
chapter = $(if $(CHAPTER),--chapter '$(CHAPTER)')
port = $(if $(PORT),--port '$(PORT)')
django = $(if $(DJANGO),--django '$(DJANGO)')

.PHONY: help run test-all test replay draft lint setup clean lock pictures

help:
	$(course) help

run:
	$(course) run $(chapter) $(port) $(django)

test-all:
	$(course) test-all $(django)

test:
	$(course) test $(chapter) $(django)

replay:
	$(course) replay $(CHAPTER)

draft:
	$(course) draft $(CHAPTER)

lint:
	$(course) lint

setup:
	$(course) setup $(django)

clean:
	$(course) clean

lock:
	$(course) lock

pictures:
	$(course) pictures
