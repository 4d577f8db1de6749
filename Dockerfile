# The service in a container; docs/how-to/docker.md shows how to build and run it.
#   docker build --tag hardsight:cpu .
#   docker build --build-arg MACHINE=cuda --tag hardsight:cuda .
ARG MACHINE=cpu

FROM python:3.11-slim-bookworm AS build
RUN pip install --no-cache-dir uv==0.13.9
ENV UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_NO_CACHE=1
RUN uv venv /opt/hardsight

FROM build AS build-cpu
ENV UV_TORCH_BACKEND=cpu

# PyPI's PyTorch brings CUDA with it; the host gives the driver alone.
FROM build AS build-cuda

# hadolint ignore=DL3006
FROM build-${MACHINE} AS installed
WORKDIR /source
COPY pyproject.toml constraints.txt ./
RUN uv pip install --python /opt/hardsight --constraints constraints.txt \
    --extra serve --extra onnx --requirements pyproject.toml
COPY README.md LICENSE ./
COPY src src
RUN uv pip install --python /opt/hardsight --no-deps .

FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --create-home hardsight \
    && install --directory --owner hardsight /runs /state
COPY --from=installed /opt/hardsight /opt/hardsight
ENV PATH=/opt/hardsight/bin:$PATH \
    NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER 10001
WORKDIR /state
VOLUME ["/runs", "/state"]
EXPOSE 8000
HEALTHCHECK --start-period=60s --timeout=10s CMD \
    ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/readyz')"]
# A shell lists the runs; the service takes its place, and so receives the signal that stops it.
CMD ["sh", "-c", "exec hardsight serve /runs/* --host 0.0.0.0 --token-file tokens.json --log log.db --pictures pictures --state connections"]
