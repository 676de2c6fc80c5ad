#!/usr/bin/env bash
# One complaint by hand: needs a running suite (make run), redress and grpcurl on the PATH.
set -euo pipefail
rpc() { grpcurl -plaintext -H "authorization: Bearer $(redress token --person "$1")" -d "$3" 127.0.0.1:8443 "redress.$2"; }
id() { cat /proc/sys/kernel/random/uuid; }
first() { sed -n 's/.*"'"$1"'": "\([^"]*\)".*/\1/p' | head -1; }

# 1 the call centre registers
C=$(rpc li-na intake.v1.IntakeService/CreateComplaint '{"request_id":"'$(id)'","complaint":{"channel":"telephone","category":"service_attitude","complainant":{"display_name":"王女士","telephone":"13900139000","email":"wang@customer.example"},"description":"客服态度生硬","facts":{"demand":{"choices":{"values":["apology"]}}}}}' | first name)
# 2 facts are confirmed with the customer, 3 and the complaint is verified
rpc li-na intake.v1.IntakeService/FillForm '{"name":"'$C'","form":"verification","etag":"1","request_id":"'$(id)'","facts":{"facts_confirmed":{"flag":true},"demand_confirmed":{"flag":true},"process_explained":{"flag":true},"findings":{"text":"通话录音已核对"}}}'
rpc li-na intake.v1.IntakeService/VerifyComplaint '{"name":"'$C'","etag":"2","request_id":"'$(id)'"}'
# 4 a plan is proposed, 5 reviewed, 6 approved, 7 begun
until P=$(rpc li-na routing.v1.RoutingService/ProposePlan '{"parent":"cases/'${C#complaints/}'","request_id":"'$(id)'","plan":{"summary":"致歉并培训","measures":[{"id":"train","description":"当事客服致歉并接受培训","person":"people/wang-fang","limit":"1 week"}]}}' | first name) && [ -n "$P" ]; do :; done
rpc zhang-wei routing.v1.RoutingService/SignPlan '{"name":"'$P'","decision":"DECISION_APPROVE","etag":"1","request_id":"'$(id)'"}'
rpc zhao-lei routing.v1.RoutingService/SignPlan '{"name":"'$P'","decision":"DECISION_APPROVE","etag":"2","request_id":"'$(id)'"}'
rpc li-na routing.v1.RoutingService/StartPlan '{"name":"'$P'","etag":"'$(rpc li-na routing.v1.RoutingService/GetPlan '{"name":"'$P'"}' | first etag)'","request_id":"'$(id)'"}'
# 8 the measure is carried out
rpc li-na routing.v1.RoutingService/CompleteMeasure '{"name":"'$P'","measure":"train","etag":"'$(rpc li-na routing.v1.RoutingService/GetPlan '{"name":"'$P'"}' | first etag)'","request_id":"'$(id)'"}'
# 9 the customer is asked by telephone, by somebody who did not handle the case
until F=$(rpc qian-mei notification.v1.NotificationService/ListFollowUps '{"complaint":"'$C'"}' | first name) && [ -n "$F" ]; do :; done
rpc qian-mei notification.v1.NotificationService/RecordFollowUp '{"name":"'$F'","mode":"telephone","etag":"1","request_id":"'$(id)'","facts":{"efficiency":{"score":5},"resolution":{"score":5},"attitude":{"score":4},"reasonable":{"score":4},"confirmed":{"choice":"satisfied"}}}'
# 10 the case is closed and the complaint archived
until rpc li-na routing.v1.RoutingService/CloseCase '{"name":"cases/'${C#complaints/}'","etag":"'$(rpc li-na routing.v1.RoutingService/GetCase '{"name":"cases/'${C#complaints/}'"}' | first etag)'","request_id":"'$(id)'"}'; do :; done
rpc li-na intake.v1.IntakeService/GetComplaint '{"name":"'$C'"}' | first state
