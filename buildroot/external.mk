include $(sort $(wildcard $(BR2_EXTERNAL_BRAGI_PATH)/package/*/*.mk))
