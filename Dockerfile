# Not pytorch/pytorch: its 2.9 images stand on Ubuntu 22.04, which has no libharfbuzz-subset0. torch's wheels bring CUDA's
# libraries, so a GPU asks only for NVIDIA's driver and container toolkit on the host.
FROM python:3.11-slim-bookworm

RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fontconfig fonts-noto-cjk \
 && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/auditor
# the versions that the tests run with; torch in a layer of its own, which a change of the code leaves as it is
COPY requirements.lock ./
RUN grep -oE '^[A-Za-z0-9._-]+==[^ ;]+' requirements.lock > constraints.txt \
 && pip install --no-cache-dir --constraint constraints.txt torch torchvision

COPY pyproject.toml README.md LICENSE ./
COPY auditor auditor
COPY templates templates
COPY audit_specs audit_specs
RUN pip install --no-cache-dir --constraint constraints.txt ".[mlflow,sign,tables,umap,volumes]"

ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
# whoever --user names can write its caches there, and none land among the mounted files
ENV HOME=/tmp
RUN useradd --home-dir /tmp --uid 10001 auditor
# by number, so that a cluster sees that it is not root
USER 10001
WORKDIR /audit
ENTRYPOINT ["auditor"]
CMD ["--help"]
