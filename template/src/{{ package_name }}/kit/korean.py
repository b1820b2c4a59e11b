"""The command line in Korean: each English text, and what is shown instead."""

from __future__ import annotations

TEXTS = {
    # --- Help: the frame -----------------------------------------------------------------------
    "Arguments": "인자",
    "Options": "옵션",
    "Commands": "명령",
    "Error": "오류",
    "[default: {}]": "[기본값: {}]",
    "[required]": "[필수]",
    "Try [blue]'{command_path} {help_option}'[/] for help.": (
        "도움말은 [blue]'{command_path} {help_option}'[/]으로 볼 수 있습니다."
    ),
    "Show this message and exit.": "이 도움말을 표시하고 종료합니다.",
    # --- Help: commands ------------------------------------------------------------------------
    "A background worker. It takes jobs from Redis and opens no port.": (
        "백그라운드 워커. Redis에서 잡을 가져와 실행하며 포트를 열지 않습니다."
    ),
    "Run the worker until SIGTERM, SIGINT or SIGHUP. A second signal gives back what runs.": (
        "SIGTERM, SIGINT, SIGHUP을 받을 때까지 워커를 실행합니다. 시그널을 한 번 더 보내면 실행 중인"
        " 잡을 큐에 돌려놓고 종료합니다."
    ),
    "Stop when the queue is empty.": "큐가 비면 종료합니다.",
    "Stop after this many jobs.": "지정한 개수만큼 실행하고 종료합니다.",
    "Publish a job. The same id is not queued twice while the first waits or runs.": (
        "잡을 발행합니다. 같은 잡 ID가 대기하거나 실행 중이면 다시 넣지 않습니다."
    ),
    "Name of the job, as `schema` lists it.": "`schema`에 나오는 잡 이름.",
    "Its payload as JSON; - reads standard input.": "JSON 페이로드. -이면 표준 입력에서 읽습니다.",
    "The job's id: letters, digits, _ and -.": "잡 ID. 영문자, 숫자, _, -만 쓸 수 있습니다.",
    "One of the worker's queues.": "워커의 큐 중 하나.",
    "Seconds before it may run.": "실행하기까지 기다릴 시간(초).",
    "Id of a job that must have succeeded first.": "먼저 성공해야 하는 잡의 ID.",
    "Put it before all that wait.": "대기 중인 모든 잡보다 앞에 넣습니다.",
    "Check the settings, reach every part and look at the queue. Exit code 1 if one fails.": (
        "설정과 모든 연결, 큐를 점검합니다. 하나라도 실패하면 종료 코드 1."
    ),
    "Comma-separated parts to check.": "점검할 항목. 쉼표로 구분합니다.",
    "Is the worker on this machine alive? Exit code 0 yes, 1 no, 2 alive but not ready.": (
        "이 머신의 워커가 살아 있는지 확인합니다. 종료 코드 0: 정상, 1: 비정상, 2: 살아 있지만 준비되지"
        " 않음."
    ),
    "Also fail while Redis is away.": "Redis에 연결할 수 없을 때도 실패로 봅니다.",
    "Show the queue and its workers: what waits, runs, is delayed or failed, and how fast.": (
        "큐와 워커를 모니터링합니다. 대기, 실행, 지연, 실패한 잡과 처리 속도를 보여 줍니다."
    ),
    "Keep it on the screen.": "화면에 계속 표시합니다.",
    "One JSON object.": "JSON 객체 하나로 출력합니다.",
    "Seconds between two looks, for the rates.": "처리 속도를 재는 간격(초).",
    "Print the contract with publishers: queue, jobs, their ids and JSON Schemas.": (
        "발행자와의 계약을 출력합니다. 큐, 잡, 잡 ID 형식, JSON 스키마가 들어 있습니다."
    ),
    "Compare with this file; exit code 1 if payloads break.": (
        "이 파일과 비교합니다. 호환되지 않는 변경이 있으면 종료 코드 1."
    ),
    "Write it there, unless that breaks what is there.": (
        "이 파일에 저장합니다. 기존 내용과 호환되지 않으면 저장하지 않습니다."
    ),
    "Write a client that publishes these jobs from an API server, in TypeScript or Python.": (
        "API 서버에서 이 잡들을 발행하는 TypeScript 또는 Python 클라이언트를 만듭니다."
    ),
    "typescript or python.": "typescript 또는 python.",
    "The file, or a folder for it.": "저장할 파일 또는 폴더.",
    "Python: payloads are pydantic models.": "Python: 페이로드를 pydantic 모델로 만듭니다.",
    "Write nothing; exit code 1 if it is out of date.": (
        "파일을 쓰지 않고 최신인지만 확인합니다. 최신이 아니면 종료 코드 1."
    ),
    "Let every worker on this Redis take no more jobs; what runs ends, what waits stays.": (
        "이 Redis를 쓰는 모든 워커가 새 잡을 가져가지 않게 합니다. 실행 중인 잡은 끝까지 실행하고, 대기"
        " 중인 잡은 그대로 둡니다."
    ),
    "Let the workers on this Redis take jobs again.": (
        "이 Redis를 쓰는 워커가 다시 잡을 가져가게 합니다."
    ),
    "Write files to start from, with their tests.": "기본 파일과 테스트를 만듭니다.",
    "Write src/.../processors/NAME.py and its test, and note the job in payloads.json.": (
        "src/.../processors/NAME.py와 테스트를 만들고 payloads.json에 잡을 추가합니다."
    ),
    "Lower-case letters, digits and _, as in Python.": "영문 소문자, 숫자, _ (Python 모듈 이름).",
    "Write src/.../clients/NAME.py and its test; add its variables and name it in worker.py.": (
        "src/.../clients/NAME.py와 테스트를 만들고, 환경 변수와 worker.py에 클라이언트를 추가합니다."
    ),
    "Jobs that failed for good.": "최종 실패한 잡(데드 레터).",
    "List failed jobs, the oldest first.": "실패한 잡을 오래된 순서로 보여 줍니다.",
    "Part of the job's name.": "잡 이름의 일부.",
    "Failed since: 30m, 2h, 7d, or 2026-01-31T09:00 in UTC.": (
        "이 시각 이후에 실패한 잡: 30m, 2h, 7d 또는 2026-01-31T09:00(UTC)."
    ),
    "Part of the error's text.": "오류 내용의 일부.",
    "At most so many, the oldest first.": "최대 개수. 오래된 순서입니다.",
    "failed; with a database retried, discarded, succeeded or any.": (
        "failed. 데이터베이스를 쓰면 retried, discarded, succeeded, any도 됩니다."
    ),
    "One JSON object per line.": "한 줄에 JSON 객체 하나씩 출력합니다.",
    "Show the payload's values unmasked.": "페이로드의 값을 가리지 않고 보여 줍니다.",
    "Show one failed job with its payload and traceback.": (
        "실패한 잡 하나를 페이로드, 트레이스백과 함께 보여 줍니다."
    ),
    "Id of the job.": "잡 ID.",
    "Run failed jobs again, each with its full number of attempts.": (
        "실패한 잡을 다시 실행합니다. 시도 횟수는 처음부터 다시 셉니다."
    ),
    "Ids of jobs; all when none is given.": "잡 ID. 생략하면 전체.",
    "At most so many, the oldest first; all by default.": (
        "최대 개수. 오래된 순서이며 기본값은 전체입니다."
    ),
    "Jobs per second at most.": "초당 최대 잡 수.",
    "Allow it without an id or a filter.": "잡 ID나 조건 없이 전체에 적용합니다.",
    "Only say what would be done.": "실행하지 않고 무엇을 할지만 보여 줍니다.",
    "Who does it; a database records it with the job.": (
        "작업한 사람. 데이터베이스를 쓰면 잡과 함께 기록됩니다."
    ),
    "Take failed jobs off the list: nothing brings them back.": (
        "실패한 잡을 목록에서 지웁니다. 되돌릴 수 없습니다."
    ),
    "The worker's own tables.": "워커의 테이블.",
    "Bring the tables up to date. Safe while workers run or do the same.": (
        "테이블을 최신 상태로 만듭니다. 워커가 실행 중이거나 동시에 실행해도 안전합니다."
    ),
    "Refuse to work on the file of a demo.": "데모용 파일 데이터베이스이면 거부합니다.",
    "Compare the tables with what this worker needs. Exit code 1 if they are behind.": (
        "테이블이 이 워커에 맞는지 확인합니다. 뒤처져 있으면 종료 코드 1."
    ),
    "Make a migration of your own: empty, or with what your tables need.": (
        "직접 만드는 테이블의 마이그레이션을 만듭니다. 빈 파일이거나, 필요한 변경을 채웁니다."
    ),
    "What it changes.": "변경 내용.",
    "Compare the database with your tables.": "데이터베이스를 선언한 테이블과 비교해 채웁니다.",
    "Look at mail templates.": "메일 템플릿을 확인합니다.",
    "Write a rendered mail to files. Nothing is sent, and no server needs to be known.": (
        "렌더링한 메일을 파일로 저장합니다. 보내지 않으므로 서버 설정이 필요 없습니다."
    ),
    "Its folder below the folder of templates.": "템플릿 폴더 아래의 폴더 이름.",
    "Values as JSON; by default its example.json.": "JSON 값. 기본값은 example.json.",
    "The recipient it shows.": "표시할 수신자.",
    "The folder to write to; by default build/mail/TEMPLATE.": (
        "저장할 폴더. 기본값은 build/mail/TEMPLATE."
    ),
    # --- enqueue, schema, new, mail, db --------------------------------------------------------
    "queued {job_id}": "큐에 넣음 {job_id}",
    "duplicate: {job_id} is waiting or running already": (
        "중복: {job_id} 잡이 이미 대기하거나 실행 중입니다"
    ),
    "parts are {names}": "점검할 수 있는 항목: {names}",
    "cannot be watched": "--watch와 함께 쓸 수 없습니다",
    "note: {text}": "참고: {text}",
    "breaks old payloads: {text}": "기존 페이로드와 호환되지 않음: {text}",
    "raise `payload_version`, write `upgrade_payload`: see class Payload": (
        "`payload_version`을 올리고 `upgrade_payload`를 작성하세요. Payload 클래스를 참고하세요"
    ),
    "wrote {path}": "저장함 {path}",
    "Next: do the work in processors/{name}.py, then `make test`.": (
        "다음: processors/{name}.py에 작업 내용을 작성하고 `make test`를 실행하세요."
    ),
    "Next: set {variable} in .env, then `{command}`.": (
        "다음: .env에 {variable} 값을 설정하고 `{command}`를 실행하세요."
    ),
    "{name}: nothing to do": "{name}: 변경할 것이 없습니다",
    "nothing to do: the database has the tables that the code declares": (
        "변경할 것이 없습니다. 데이터베이스가 선언한 테이블과 같습니다"
    ),
    # --- outbox --------------------------------------------------------------------------------
    "Jobs that API servers write in their database.": "API 서버가 자기 데이터베이스에 기록한 잡.",
    "Numbers of rows, as `outbox list` has them.": "`outbox list`에 나오는 행 번호.",
    "All rows that were set aside.": "보류된 모든 행.",
    "List rows that cannot be published, with the reason.": (
        "발행할 수 없는 행을 이유와 함께 보여 줍니다."
    ),
    "Let rows be published that were set aside: when a newer worker knows them.": (
        "보류된 행을 다시 발행합니다. 새 버전의 워커를 배포한 뒤에 쓰세요."
    ),
    "Delete rows that were set aside.": "보류된 행을 삭제합니다.",
    "One of postgresql, mysql, mariadb, sqlite.": "postgresql, mysql, mariadb, sqlite 중 하나.",
    "Print the SQL that makes the table, for the migrations of an API server.": (
        "테이블을 만드는 SQL을 출력합니다. API 서버의 마이그레이션에 쓰세요."
    ),
    "name rows, or say --all": "행 번호나 --all을 지정하세요",
    "retried: {count}": "다시 발행함: {count}",
    "discarded: {count}": "삭제함: {count}",
    "not set aside: {count}": "보류되지 않은 행: {count}",
    # --- failed, suspend, resume ---------------------------------------------------------------
    "none": "없음",
    "there are more than {limit}; see --limit": "{limit}개보다 많습니다. --limit을 참고하세요",
    "no failed job {job_id}": "실패한 잡 {job_id}이(가) 없습니다",
    "only a database keeps that": "데이터베이스가 있어야 쓸 수 있습니다",
    "30m, 2h, 7d or a date": "30m, 2h, 7d 또는 날짜를 쓰세요",
    "name jobs, filter them, or say --all": "잡 ID나 조건, --all 중 하나를 지정하세요",
    "would requeue": "다시 실행 예정",
    "queued": "큐에 넣음",
    "waiting": "대기",
    "succeeded": "이미 성공함",
    "refused": "거부됨",
    "would discard": "삭제 예정",
    "discarded": "삭제함",
    "gone": "이미 처리됨",
    "somebody else has dealt with it": "다른 곳에서 이미 처리했습니다",
    "suspended: no worker on this Redis takes a job until `resume`": (
        "중지됨: `resume`을 실행할 때까지 이 Redis의 워커는 잡을 가져가지 않습니다"
    ),
    "resumed": "재개됨",
    # --- check ---------------------------------------------------------------------------------
    "{name}, queue {queue}": "{name}, 큐 {queue}",
    "no processor found in processors/": "processors/에 프로세서가 없습니다",
    "{name}, {when}: next at {time}": "{name}, {when}: 다음 예약 실행 {time}",
    "{name}: this worker does not serve its queue, {queue}": (
        "{name}: 이 워커가 처리하지 않는 큐입니다({queue})"
    ),
    "nothing to reach": "연결할 곳 없음",
    "{count} jobs at once": "동시에 {count}개 실행",
    "{count} jobs at once in each of {processes} processes": (
        "프로세스 {processes}개에서 각각 동시에 {count}개 실행"
    ),
    "{count} jobs at once are many for this worker: {advice}": (
        "이 워커에 동시 실행 {count}개는 많습니다: {advice}"
    ),
    "{queue}: {count} jobs wait": "{queue}: 대기 중인 잡 {count}개",
    "{queue}: {count} jobs wait for other jobs": "{queue}: 잡 {count}개가 다른 잡을 기다립니다",
    (
        "{queue}: {count} jobs wait for jobs that failed or were canceled: run those again "
        "(`failed requeue`), or discard them, and what waits for them with them"
    ): (
        "{queue}: 잡 {count}개가 실패했거나 취소된 잡을 기다립니다. 그 잡을 다시 실행하거나"
        "(`failed requeue`) 버리세요. 버리면 기다리는 잡도 함께 버려집니다"
    ),
    "{queue}: {count} jobs wait, the first {looked} looked at": (
        "{queue}: 대기 중인 잡 {count}개, 앞의 {looked}개를 확인함"
    ),
    "not JSON, and will fail at once: {names}; their publisher must use serializer='json'": (
        "JSON이 아니어서 바로 실패할 잡: {names}. 발행하는 쪽에서 serializer='json'을 써야 합니다"
    ),
    "this worker has no processor for {names}: they will fail at once": (
        "이 워커에 프로세서가 없어 바로 실패할 잡: {names}"
    ),
    "this worker has no processor for {names}: they wait a day for a newer one, then fail": (
        "이 워커에 프로세서가 없는 잡: {names}. 새 버전의 워커를 하루 동안 기다린 뒤 실패합니다"
    ),
    "the ACL user may not use INFO (+info): version, eviction and persistence are unknown": (
        "ACL 사용자에게 INFO 권한(+info)이 없어 버전, 제거 정책, 영속성을 확인할 수 없습니다"
    ),
    "this server is a read-only replica; REDIS_URL must name the master": (
        "이 서버는 읽기 전용 레플리카입니다. REDIS_URL에 마스터를 지정하세요"
    ),
    "{server} is too old; Redis {oldest} or Valkey is needed": (
        "{server}은(는) 너무 오래되었습니다. Redis {oldest} 이상 또는 Valkey가 필요합니다"
    ),
    "maxmemory-policy is {policy}: when memory is short, Redis throws jobs away; set noeviction": (
        "maxmemory-policy가 {policy}입니다. 메모리가 부족하면 Redis가 잡을 버립니다. noeviction으로"
        " 설정하세요"
    ),
    "{share} of maxmemory is used; when it is full, nothing is queued": (
        "maxmemory의 {share}를 쓰고 있습니다. 가득 차면 잡을 넣을 수 없습니다"
    ),
    "it is still loading its data": "아직 데이터를 불러오는 중입니다",
    "appendonly is off: a crash of Redis loses every job since its last snapshot": (
        "appendonly가 꺼져 있습니다. Redis가 비정상 종료되면 마지막 스냅샷 이후의 잡을 잃습니다"
    ),
    "its last write to the append-only file failed; is the disk full?": (
        "AOF 파일에 마지막으로 쓰는 데 실패했습니다. 디스크가 가득 찼는지 확인하세요"
    ),
    "its last snapshot failed; is the disk full?": (
        "마지막 스냅샷이 실패했습니다. 디스크가 가득 찼는지 확인하세요"
    ),
    "the ACL user may not use TIME (+time): clocks were not compared": (
        "ACL 사용자에게 TIME 권한(+time)이 없어 시각을 비교하지 못했습니다"
    ),
    "this machine's clock is {seconds} s behind the server's": (
        "이 머신의 시계가 서버보다 {seconds}초 느립니다"
    ),
    "this machine's clock is {seconds} s ahead of the server's": (
        "이 머신의 시계가 서버보다 {seconds}초 빠릅니다"
    ),
    # --- stats ---------------------------------------------------------------------------------
    "queue {name}": "큐 {name}",
    "queue": "큐",
    "queues": "큐",
    "delayed": "지연",
    "deferred": "의존 대기",
    "running": "실행",
    "failed": "실패",
    "results kept": "보관된 결과",
    "workers": "워커",
    "done/s": "완료/초",
    "failures/s": "실패/초",
    "oldest": "가장 오래된 잡",
    "due": "실행할 때 됨",
    "snoozing": "스누즈",
    "blocked": "순서 대기",
    "next": "다음",
    "{name} cannot be reached: {error}": "{name}에 연결할 수 없음: {error}",
    "order: {used} keys in use, {waiting} jobs wait for a key": (
        "순서: 사용 중인 키 {used}개, 키를 기다리는 잡 {waiting}개"
    ),
    "{count} keys are held by failed jobs: see `failed list`": (
        "실패한 잡 때문에 멈춘 키 {count}개: `failed list`를 확인하세요"
    ),
    "suspended: no job is taken": "중지됨: 잡을 가져가지 않습니다",
    "... and {count} more": "... 외 {count}개",
    "no worker is running": "실행 중인 워커가 없습니다",
    "Redis does not answer ({error}); seen {seconds} s ago": (
        "Redis가 응답하지 않습니다({error}). {seconds}초 전 정보입니다"
    ),
    "running, the longest first": "실행 중, 오래된 순",
    "job": "잡 ID",
    "type": "종류",
    "for": "경과",
    "progress": "진행",
    "attempt": "시도",
    "worker": "워커",
    "host": "호스트",
    "state": "상태",
    "runs": "실행",
    "done": "완료",
    "up for": "가동 시간",
    "schedules, the next first": "예약 실행, 가까운 순",
    "schedule": "이름",
    "cron": "cron",
    "next in": "남은 시간",
}
