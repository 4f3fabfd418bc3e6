# The image of the nightly job and of the function. It holds the schedule.yaml beside it, the one that `reporter stack` is printed from.
# The base is pinned by its version's tag. To pin its bytes too, put the digest behind it, as told by: docker buildx imagetools inspect IMAGE
FROM python:3.11.13-slim-bookworm AS build
# image: job and function; cluster: the same, and what workers of a cluster need
ARG REQUIREMENTS=image
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/reporter
COPY requirements/image.txt requirements/cluster.txt /src/requirements/
RUN /opt/reporter/bin/pip install --require-hashes --only-binary :all: -r /src/requirements/$REQUIREMENTS.txt
COPY pyproject.toml /src/
COPY reporter /src/reporter
COPY templates /src/templates
RUN /opt/reporter/bin/pip install --no-deps --no-build-isolation /src \
 && /opt/reporter/bin/pip uninstall --yes setuptools pip \
 && rm -r /opt/reporter/lib/python3.11/site-packages/pandas/tests /opt/reporter/lib/python3.11/site-packages/pyarrow/tests \
 && python -m compileall -q --invalidation-mode unchecked-hash /opt/reporter/lib

FROM python:3.11.13-slim-bookworm
RUN groupadd --gid 10001 reporter \
 && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin reporter \
 && install --directory --owner 10001 --group 10001 --mode 0750 /var/lib/reporter
COPY --from=build /opt/reporter /opt/reporter
COPY --chmod=0444 schedule.yaml /etc/reporter/schedule.yaml
# The base comes without the standard library's bytecode, and the user below may not write it: without this every start compiles it again.
RUN python -m compileall -q --invalidation-mode unchecked-hash -x site-packages /usr/local/lib/python3.11
ENV PATH=/opt/reporter/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
VOLUME ["/var/lib/reporter", "/tmp"]
USER 10001:10001
ENTRYPOINT ["reporter"]
CMD ["--help"]
