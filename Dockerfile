# PyTorch's own CUDA runtime image brings Python, torch and torchvision; pip adds the rest within pyproject's ranges.
FROM pytorch/pytorch:2.9.1-cuda13.0-cudnn9-runtime

RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fontconfig fonts-noto-cjk \
 && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/auditor
COPY pyproject.toml README.md LICENSE ./
COPY auditor auditor
COPY templates templates
COPY audit_specs audit_specs
# the image's torch satisfies the range; a constraint makes sure that pip leaves it alone
RUN python -c "import torch, torchvision; print(f'torch=={torch.__version__}\ntorchvision=={torchvision.__version__}')" \
      > /tmp/constraints.txt \
 && pip install --no-cache-dir --constraint /tmp/constraints.txt . \
 && rm /tmp/constraints.txt

RUN useradd --create-home --uid 10001 auditor
# by number, so that a cluster sees that it is not root
USER 10001
WORKDIR /audit
ENTRYPOINT ["auditor"]
CMD ["--help"]
