# Hardly any logic: each target is a verb of `python -m course`, which runs without make too.

PYTHON ?= python3

# A variable becomes the option of that name: CHAPTER=03 is --chapter '03'.
option = $(if $($1),--$2 '$($1)')
flag = $(if $(filter-out 0,$($1)),--$2)

course = @$(PYTHON) -m course
chapter = $(call option,CHAPTER,chapter)
chapters = $(foreach name,$(CHAPTER),--chapter '$(name)')
django = $(call option,DJANGO,django)
port = $(call option,PORT,port)
step = $(call option,STEP,step)
to = $(call option,TO,to)
exercise = $(call option,EXERCISE,exercise)
dir = $(if $(DIR),'$(DIR)')

.PHONY: help run cluster test-all test-chapters test check exercise hint grade replay start history draft bench docs docs-serve test-docs test-faults test-cluster test-learner test-grade test-zensical nightly lint setup clean lock screenshots

help:
	$(course) help

run:
	$(course) run $(chapter) $(port) $(django)

cluster:
	$(course) cluster

test-all:
	$(course) test-all $(django)

test-chapters:
	$(course) test-chapters $(django)

test:
	$(course) test $(chapter) $(django)

check:
	$(course) check $(dir) $(call flag,RUN,run) $(call flag,ALL,all) $(call flag,WATCH,watch) $(call flag,JSON,json) $(exercise)

exercise:
	$(course) exercise $(exercise) $(to)

hint:
	$(course) hint $(exercise)

grade:
	$(course) grade $(call option,DIRS,dirs) $(chapter) $(to)

replay:
	$(course) replay $(chapters) $(to) $(step) $(call flag,WRITE,write) $(call flag,FAST,fast)

start:
	$(course) start $(chapter) $(to)

history:
	$(course) history $(to)

draft:
	$(course) draft $(chapter)

bench:
	$(course) bench $(call flag,FULL,full) $(call flag,SOAK,soak) $(call flag,LONG,long) $(call flag,WRITE,write)

docs:
	$(course) docs

docs-serve:
	$(course) docs-serve $(port)

test-docs:
	$(course) test-docs

test-faults:
	$(course) test-faults

test-cluster:
	$(course) test-cluster

test-learner:
	$(course) test-learner

test-grade:
	$(course) test-grade

test-zensical:
	$(course) test-zensical

nightly:
	$(course) nightly

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
