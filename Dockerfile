# One process, one volume: /data holds config.yaml and the database.
#   docker build -t aftercare .
#   docker run -v clinic:/data -e TELEGRAM_BOT_TOKEN aftercare
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PIP_DISABLE_PIP_VERSION_CHECK=1 AFTERCARE_CONFIG=/data/config.yaml
WORKDIR /app
COPY requirements.txt ./
RUN pip install --no-cache-dir --require-hashes -r requirements.txt
COPY bot ./bot
COPY faq ./faq
COPY config.example.yaml ./
RUN useradd --system --uid 10001 aftercare && mkdir /data && chown aftercare /data
USER aftercare
VOLUME /data
ENTRYPOINT ["python", "-m", "bot"]
CMD ["run"]
