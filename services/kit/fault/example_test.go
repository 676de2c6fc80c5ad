package fault_test

import (
	"fmt"

	"example.com/redress/services/kit/fault"
)

func ExampleCatalogue_Message() {
	catalogue, err := fault.NewCatalogue(fault.Entry{
		Reason: "CLOCK_NOT_RUNNING", Kind: fault.FailedPrecondition,
		ZH: "时钟{name}未在计时。", EN: "Clock {name} is not running.",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	refused := fault.New(fault.FailedPrecondition, "CLOCK_NOT_RUNNING", "name", "cases/1/clocks/2")
	fmt.Println(catalogue.Message(fault.English, refused))
	fmt.Println(catalogue.Message(fault.Chinese, refused))
	fmt.Println(refused)
	// Output:
	// Clock cases/1/clocks/2 is not running.
	// 时钟cases/1/clocks/2未在计时。
	// failed precondition: CLOCK_NOT_RUNNING (name=cases/1/clocks/2)
}
