return Gristmill.Worker.WorkerProgram.Run();
